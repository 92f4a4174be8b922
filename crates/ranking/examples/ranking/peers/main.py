"""Peers of the ranking benchmark: `main.py STEP FOLDER THREADS SEED`.

FOLDER holds `world-1` (the newest cut inside the training data, and the validation part), `world-2`
where there is one, and `test`. Steps: `personal`, `collaborative`, `ranker` tune and write lists
to `lists/TASK/METHOD.i32`; `cost` fits once more with what was chosen and tells seconds and memory.
"""

import json
import pathlib
import resource
import sys
import time
import warnings

import numpy as np

from case import Case, ndcg

# implicit says on every fit that it copies its own matrix.
warnings.filterwarnings("ignore", module="implicit")


def worlds(folder):
    return [Case(path) for path in sorted(folder.glob("world-*"))]


def write(folder, task, method, lists):
    path = folder / "lists" / task
    path.mkdir(parents=True, exist_ok=True)
    np.ascontiguousarray(lists, "<i4").tofile(path / f"{method}.i32")


def remember(folder, name, value):
    (folder / f"{name}.json").write_text(json.dumps(value))
    print(f"{name}: {json.dumps(value)}", file=sys.stderr, flush=True)


def run_personal(folder, threads, seed):
    import personal

    world, test = worlds(folder)[0], Case(folder / "test")
    methods = {
        "popularity": personal.tune(world, [7.0, 14.0, 30.0, 60.0, 120.0, None], personal.popularity),
        "tifu-knn": personal.tune_tifu(world, seed=seed),
    }
    makers = {"popularity": personal.popularity, "tifu-knn": personal.tifu_lists}
    if "allow" in world.tasks:
        frequency = personal.tune(world, personal.HALF_LIVES, personal.frequency)
        methods["decayed-frequency"] = {"allow": frequency["allow"]}
        methods["frequency"] = {"allow": (None, ndcg(world, personal.frequency(world, None, "allow"), "allow"))}
        makers["decayed-frequency"] = makers["frequency"] = personal.frequency
    for method, chosen in methods.items():
        for task, (entry, _) in chosen.items():
            write(folder, task, method, makers[method](test, entry, task))
    remember(folder, "personal", methods)


def run_collaborative(folder, threads, seed):
    import collaborative

    world, test = worlds(folder)[0], Case(folder / "test")
    fits = {
        "item-knn": (collaborative.KNN_GRID, lambda case, entry: collaborative.fit_knn(case, entry, threads)),
        "als": (collaborative.ALS_GRID, lambda case, entry: collaborative.fit_als(case, entry, threads, seed)),
    }
    methods = {}
    for method, (grid, fit) in fits.items():
        best = {task: (None, -1.0) for task in world.tasks}

        def consider(entry):
            fitted = fit(world, entry)
            for task, (_, reached) in best.items():
                value = ndcg(world, collaborative.recommend(world, fitted, task), task)
                if value > reached:
                    best[task] = (entry, value)

        for entry in grid:
            consider(entry)
        if method == "als":
            for entry in {collaborative.wider(entry) for entry, _ in best.values()}:
                consider(entry)
        for task, (entry, _) in best.items():
            write(folder, task, method, collaborative.recommend(test, fit(test, entry), task))
        methods[method] = best
    remember(folder, "collaborative", methods)


def chosen_for(folder, task):
    found = {name: json.loads((folder / f"{name}.json").read_text()) for name in ("personal", "collaborative")}
    tifu = found["personal"]["tifu-knn"][task][0]
    return {
        "tifu": (tuple(tifu[0]), *tifu[1:]),
        "knn": tuple(found["collaborative"]["item-knn"][task][0]),
        "als": tuple(found["collaborative"]["als"][task][0]),
    }


def run_ranker(folder, threads, seed):
    import ranker

    cuts, test = [cut.part(ranker.CUSTOMERS, seed) for cut in worlds(folder)], Case(folder / "test")
    report = {}
    for task in test.tasks:
        chosen = chosen_for(folder, task)
        parts = [ranker.labelled(cut, ranker.Stage(cut, chosen, threads, seed), task) for cut in cuts]
        # One thread: where other programs run, two wait for each other at every leaf.
        settings, rounds = ranker.tune(test, parts, 1, seed)
        booster = ranker.train(parts, settings, rounds, 1, seed)
        write(folder, task, "lightgbm", ranker.lists_of(test, ranker.Stage(test, chosen, threads, seed), booster, task))
        report[task] = {"settings": settings, "rounds": rounds, "rows": int(sum(len(part[0]) for part in parts))}
    remember(folder, "ranker", report)


def run_cost(folder, threads, seed):
    """Everything that has to be fitted to answer the first task, nothing that is only for tuning:
    ALS and item-kNN at the end of the data and at each cut, features at the cuts, the ranker."""
    import collaborative
    import ranker

    cuts, test = [cut.part(ranker.CUSTOMERS, seed) for cut in worlds(folder)], Case(folder / "test")
    task = test.tasks[0]
    chosen = chosen_for(folder, task)
    report = json.loads((folder / "ranker.json").read_text())[task]
    started, processor = time.perf_counter(), time.process_time()
    collaborative.fit_als(test, chosen["als"], threads, seed)
    als = time.perf_counter()
    collaborative.fit_knn(test, chosen["knn"], threads)
    knn = time.perf_counter()
    parts = [ranker.labelled(cut, ranker.Stage(cut, chosen, threads, seed), task) for cut in cuts]
    ranker.train(parts, report["settings"], report["rounds"], threads, seed)
    done = time.perf_counter()
    cost = {
        "als_seconds": als - started,
        "item_knn_seconds": knn - als,
        "ranker_seconds": done - knn,
        "seconds": done - started,
        "cpu_seconds": time.process_time() - processor,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    remember(folder, "cost", cost)


STEPS = {"personal": run_personal, "collaborative": run_collaborative, "ranker": run_ranker, "cost": run_cost}


def main():
    step, folder, threads, seed = sys.argv[1:]
    begun = time.perf_counter()
    STEPS[step](pathlib.Path(folder), int(threads), int(seed))
    print(f"{step}: {time.perf_counter() - begun:.1f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
