"""The usual two-stage pipeline: candidates from history, item-kNN, ALS, similar customers and popularity,
about thirty features, LightGBM's LambdaMART on what was bought after the cuts inside the training data."""

import lightgbm
import numpy as np

import collaborative
import personal
from case import lists_by_score, truth

SOURCES = {"history": 100, "knn": 40, "als": 40, "tifu": 50, "popular": 20}
SETTINGS = [
    {"learning_rate": rate, "num_leaves": 31, "min_data_in_leaf": least} for rate, least in ((0.1, 50), (0.05, 100))
]
ROUNDS = 150
CUSTOMERS = 3000  # more customers of a cut than these do not make the ranker better, only slower


def lookup(matrix, rows, columns):
    return np.asarray(matrix[rows, columns]).ravel()


class Stage:
    """Component models fitted on a case, and the features they give."""

    def __init__(self, case, chosen, threads, seed):
        self.case, self.threads = case, threads
        self.knn = collaborative.fit_knn(case, chosen["knn"], threads)
        self.als = collaborative.fit_als(case, chosen["als"], threads, seed)
        recency, distance, count, own = chosen["tifu"]
        self.profiles = personal.tifu_profiles(case, recency).tocsr()
        near = personal.nearest(self.profiles, case.target, count, distance)
        self.near = personal.neighbour_means(self.profiles, near, count)
        self.tifu = (own * self.profiles[case.target] + (1.0 - own) * self.near).tocsr()
        self.decayed = {days: case.decayed(days) for days in (7.0, 30.0, 90.0, None)}
        self.popular = {days: case.popularity(days) for days in (7.0, 30.0, None)}
        self.times()

    def times(self):
        """First and last purchase of each pair, shopping trips of each customer."""
        case = self.case
        keys = case.customer[case.occasion].astype(np.int64) * case.products + case.product[case.occasion]
        day = case.day[case.occasion]
        order = np.lexsort((day, keys))
        keys, day = keys[order], day[order]
        starts = np.append(True, keys[1:] != keys[:-1])
        ends = np.append(starts[1:], True)
        self.pair_keys, self.first, self.last = keys[starts], day[starts], day[ends]
        trips = np.unique(np.stack([case.customer, case.basket], axis=1), axis=0)
        self.trips = np.bincount(trips[:, 0], minlength=case.customers)
        self.last_trip = np.full(case.customers, -np.inf)
        np.maximum.at(self.last_trip, case.customer, case.day)
        counts = self.decayed[None].tocoo()
        self.again = np.bincount(counts.col, counts.data > 1, case.products) + 1.0
        self.again /= case.buyers + 5.0
        shelves = case.category.max() + 2
        shelf = case.category[counts.col] + 1
        self.shelf = np.zeros((case.customers, shelves), np.float32)
        np.add.at(self.shelf, (counts.row, shelf), counts.data)

    def candidates(self, task):
        """Row of the target and product of every candidate, and its rank in every source."""
        case = self.case
        lists = {
            "history": lists_by_score(case, self.decayed[90.0][case.target], "allow", SOURCES["history"]),
            "knn": collaborative.recommend(case, self.knn, task, SOURCES["knn"]),
            "als": collaborative.recommend(case, self.als, task, SOURCES["als"]),
            "tifu": lists_by_score(case, self.tifu, task, SOURCES["tifu"]),
            "popular": personal.popularity(case, 30.0, task, SOURCES["popular"]),
        }  # fmt: skip
        keys, ranks = [], []
        for found in lists.values():
            rows = np.repeat(np.arange(len(found)), found.shape[1])
            keys.append(np.where(found.ravel() < 0, -1, rows * np.int64(case.products) + found.ravel()))
            ranks.append(np.tile(np.arange(found.shape[1]), len(found)))
        pairs = np.unique(np.concatenate(keys))
        pairs = pairs[pairs >= 0]
        rows, products = pairs // case.products, pairs % case.products
        if task == "new":
            fresh = lookup(case.counts, case.target[rows], products) == 0
            pairs, rows, products = pairs[fresh], rows[fresh], products[fresh]
        columns = []
        for key, rank in zip(keys, ranks):
            column = np.full(len(pairs), 999.0, np.float32)
            place = np.searchsorted(pairs, key)
            place[place == len(pairs)] = 0
            known = (key >= 0) & (pairs[place] == key)
            column[place[known]] = rank[known]
            columns.append(column)
        return rows, products, columns

    def knn_scores(self, rows, products):
        found = np.zeros(len(rows), np.float32)
        model, matrix = self.knn
        for start in range(0, len(self.case.target), 256):
            begin, end = np.searchsorted(rows, [start, start + 256])
            scores = (matrix[self.case.target[start : start + 256]] @ model.similarity).tocsr()
            found[begin:end] = lookup(scores, rows[begin:end] - start, products[begin:end])
        return found

    def features(self, rows, products, ranks):
        case = self.case
        customers, now = case.target[rows], case.target_day[rows]
        keys = customers.astype(np.int64) * case.products + products
        place = np.minimum(np.searchsorted(self.pair_keys, keys), len(self.pair_keys) - 1)
        known = self.pair_keys[place] == keys
        count = lookup(self.decayed[None], customers, products)
        since = np.where(known, now - self.last[place], np.nan)
        span = np.where(known, self.last[place] - self.first[place], np.nan)
        interval = np.where((count > 1) & (span > 0), span / np.maximum(count - 1, 1), np.nan)
        trips = self.trips[customers]
        shelf = self.shelf[customers, case.category[products] + 1]
        near, knn = lookup(self.near, rows, products), self.knn_scores(rows, products)
        als = self.als[0]
        columns = [count, since, interval, since / interval, np.where(known, now - self.first[place], np.nan)]
        columns += [lookup(self.decayed[days], customers, products) for days in (7.0, 30.0, 90.0)]
        columns += [count / np.maximum(trips, 1), trips, now - self.last_trip[customers]]
        columns += [lookup(self.profiles, customers, products), near, knn]
        columns += [np.einsum("ij,ij->i", als.user_factors[customers], als.item_factors[products])]
        columns += [self.popular[days][products] for days in (7.0, 30.0, None)]
        columns += [self.again[products], shelf, shelf / np.maximum(self.shelf[customers].sum(axis=1), 1.0)]
        columns += [np.diff(case.counts.indptr)[customers]]
        return np.stack([np.asarray(column, np.float32) for column in columns + ranks], axis=1)

    def table(self, task):
        rows, products, ranks = self.candidates(task)
        return rows, products, self.features(rows, products, ranks)


def labelled(case, stage, task):
    rows, products, table = stage.table(task)
    labels = lookup(truth(case, task), rows, products)
    useful = np.bincount(rows, labels, len(case.target)) > 0
    kept = useful[rows]
    return rows[kept], table[kept], labels[kept]


def train(parts, settings, rounds, threads, seed):
    table = np.concatenate([part[1] for part in parts])
    labels = np.concatenate([part[2] for part in parts])
    groups = np.concatenate([np.unique(part[0], return_counts=True)[1] for part in parts])
    data = lightgbm.Dataset(table, labels, group=groups, free_raw_data=True)
    fixed = {"objective": "lambdarank", "lambdarank_truncation_level": 30, "verbosity": -1, "num_threads": threads}
    return lightgbm.train({**fixed, **settings, "seed": seed, "deterministic": True}, data, rounds)


def lists_of(case, stage, booster, task):
    rows, products, table = stage.table(task)
    scores = booster.predict(table)
    lists = np.full((len(case.target), case.length), -1, "<i4")
    order = np.lexsort((products, -scores, rows))
    firsts = np.searchsorted(rows[order], np.arange(len(case.target) + 1))
    for target in range(len(case.target)):
        found = products[order[firsts[target] : firsts[target + 1]]][: case.length]
        lists[target, : len(found)] = found
    return lists


def tune(case, labelled_parts, threads, seed):
    """Settings that rank the newest labelled part best: trained on the older one, or, with one part
    only, on four customers of five."""
    newest = labelled_parts[0]
    if len(labelled_parts) > 1:
        parts, judged = labelled_parts[1:], newest
    else:
        chosen = newest[0] % 5 == 0
        parts = [tuple(values[~chosen] for values in newest)]
        judged = tuple(values[chosen] for values in newest)
    best_value, best_entry = -1.0, None
    for settings in SETTINGS:
        booster = train(parts, settings, ROUNDS, threads, seed)
        for rounds in (ROUNDS // 3, ROUNDS):
            value = mean_ndcg(judged, booster.predict(judged[1], num_iteration=rounds), case.length)
            if value > best_value:
                best_value, best_entry = value, (settings, rounds)
    return best_entry


def mean_ndcg(part, scores, length):
    rows, _, labels = part
    order = np.lexsort((-scores, rows))
    values = []
    for group in np.split(labels[order], np.unique(rows[order], return_index=True)[1][1:]):
        gains = 1.0 / np.log2(np.arange(min(len(group), length)) + 2)
        ideal = gains[: int(min(group.sum(), len(gains)))].sum()
        values.append((group[: len(gains)] * gains).sum() / ideal)
    return float(np.mean(values))
