"""Peers that need no learning library: popularity, personal frequency, TIFU-KNN."""

import numpy as np
import scipy.sparse as sp

from case import lists_by_score, ndcg, row_of


def tune(world, grid, lists_of):
    """The grid's entry with the best nDCG on the validation part, task by task."""
    chosen = {}
    for task in world.tasks:
        results = [(ndcg(world, lists_of(world, entry, task), task), -place) for place, entry in enumerate(grid)]
        value, place = max(results)
        chosen[task] = (grid[-place], value)
    return chosen


def popularity(case, half_life_days, task, length=None):
    length = length or case.length
    scores = case.popularity(half_life_days)
    order = np.argsort(-scores, kind="stable").astype(np.int32)
    lists = np.full((len(case.target), length), -1, "<i4")
    for row, customer in enumerate(case.target):
        known = row_of(case.counts, customer)[0] if task == "new" else []
        top = order[: length + len(known)]
        found = top[~np.isin(top, known)][:length]
        lists[row, : len(found)] = found
    return lists


def frequency(case, half_life_days, task):
    """Personal frequency, then what is popular: P-TopFreq with the rest of GP-TopFreq."""
    return lists_by_score(case, case.decayed(half_life_days)[case.target], task)


def basket_weights(case, groups, within, between):
    """TIFU's weight of every occasion: baskets of a customer in `groups` groups, the weight falling
    by `within` from basket to basket and by `between` from group to group (Hu et al., SIGIR 2020)."""
    customer, basket, day = (values[case.occasion] for values in (case.customer, case.basket, case.day))
    keys, inverse = np.unique(np.stack([customer, basket], axis=1), axis=0, return_inverse=True)
    inverse = inverse.ravel()
    when = np.full(len(keys), -np.inf)
    np.maximum.at(when, inverse, day)
    order = np.lexsort((when, keys[:, 0]))
    sizes = np.bincount(keys[:, 0], minlength=case.customers)
    firsts = np.concatenate([[0], np.cumsum(sizes)])
    weights = np.zeros(len(keys))
    for owner in range(case.customers):
        count = sizes[owner]
        if count == 0:
            continue
        parts = np.array_split(np.arange(count), min(groups, count))
        for place, part in enumerate(parts):
            level = between ** (len(parts) - 1 - place) / len(parts)
            decay = within ** np.arange(len(part) - 1, -1, -1) / len(part)
            weights[order[firsts[owner] + part]] = level * decay
    return weights[inverse]


def tifu_profiles(case, recency):
    kind, *values = recency
    if kind == "time":
        profiles = case.decayed(values[0])
        totals = np.asarray(profiles.sum(axis=1)).ravel()
        return sp.diags(1.0 / np.maximum(totals, 1e-12)) @ profiles
    return case.matrix(basket_weights(case, *values))


def nearest(profiles, customers, most, distance):
    """The nearest customers of each of `customers`, the nearest first."""
    lengths = np.asarray(profiles.multiply(profiles).sum(axis=1)).ravel()
    found = []
    for start in range(0, len(customers), 1024):
        part = customers[start : start + 1024]
        near = (profiles[part] @ profiles.T).toarray()
        if distance == "euclid":
            near = 2.0 * near - lengths[None, :]
        else:
            near /= np.maximum(np.sqrt(lengths)[None, :], 1e-12)
        near[np.arange(len(part)), part] = -np.inf
        used = min(most, near.shape[1] - 1)
        top = np.argpartition(-near, used - 1, axis=1)[:, :used]
        order = np.argsort(-np.take_along_axis(near, top, axis=1), axis=1, kind="stable")
        found.append(np.take_along_axis(top, order, axis=1))
    return np.concatenate(found)


def neighbour_means(profiles, near, count):
    """The mean profile of the first `count` neighbours of each row."""
    near = near[:, :count]
    choose = sp.csr_matrix(
        (np.full(near.size, 1.0 / near.shape[1]), near.ravel(), np.arange(0, near.size + 1, near.shape[1])),
        (len(near), profiles.shape[0]),
    )
    return (choose @ profiles).tocsr()


def tifu_scores(case, entry):
    """The customer's own profile and that of the neighbours, mixed."""
    recency, distance, count, own = entry
    profiles = tifu_profiles(case, recency).tocsr()
    means = neighbour_means(profiles, nearest(profiles, case.target, count, distance), count)
    return (own * profiles[case.target] + (1.0 - own) * means).tocsr()


def tifu_lists(case, entry, task):
    return lists_by_score(case, tifu_scores(case, entry), task)


RECENCIES = [
    ("groups", 7, 1.0, 0.6), ("groups", 7, 0.9, 0.7), ("groups", 3, 0.9, 0.6), ("groups", 12, 0.9, 0.8),
    ("groups", 7, 1.0, 0.9), ("time", 60.0), ("time", 120.0),
]  # fmt: skip
COUNTS = [50, 100, 300, 900]
OWN_SHARES = [0.9, 0.7, 0.4, 0.1]
HALF_LIVES = [15.0, 30.0, 60.0, 90.0, 120.0, 180.0, 365.0, None]


def tune_tifu(world, customers_used=400, seed=0):
    """First recency and distance with a hundred neighbours, then the number of neighbours and the
    share of the own profile, on at most so many customers."""
    part = world.part(customers_used, seed)
    best = {task: ((), -1.0) for task in world.tasks}

    def consider(recency, distance, counts, tasks):
        profiles = tifu_profiles(part, recency).tocsr()
        near = nearest(profiles, part.target, max(counts), distance)
        for count in counts:
            means = neighbour_means(profiles, near, count)
            for own in OWN_SHARES:
                scores = (own * profiles[part.target] + (1.0 - own) * means).tocsr()
                for task in tasks:
                    value = ndcg(part, lists_by_score(part, scores, task), task)
                    if value > best[task][1]:
                        best[task] = ((recency, distance, count, own), value)

    for recency in RECENCIES:
        for distance in ("euclid", "cosine"):
            consider(recency, distance, [100], world.tasks)
    for task in world.tasks:
        recency, distance = best[task][0][:2]
        consider(recency, distance, COUNTS, [task])
    return best
