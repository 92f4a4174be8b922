"""A case: what happened before a cut, and for whom lists are wanted. Written by the benchmark.

Customers and products are numbers. `wanted` is there for the cuts inside the training data only,
so no peer can see what it is judged on.
"""

import copy
import json
import pathlib

import numpy as np
import scipy.sparse as sp

HITS = 1.0 / np.log2(np.arange(1000) + 2)


class Case:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        meta = json.loads((folder / "case.json").read_text())
        self.customers, self.products, self.length = meta["customers"], meta["products"], meta["length"]
        self.tasks = meta["tasks"]
        self.customer = np.fromfile(folder / "customer.i32", "<i4")
        self.product = np.fromfile(folder / "product.i32", "<i4")
        self.basket = np.fromfile(folder / "basket.i32", "<i4")
        self.quantity = np.fromfile(folder / "quantity.f32", "<f4")
        self.day = np.fromfile(folder / "day.f64", "<f8")
        self.target = np.fromfile(folder / "target.i32", "<i4")
        self.target_day = np.fromfile(folder / "target_day.f64", "<f8")
        self.category = np.fromfile(folder / "category.i32", "<i4")
        self.now = float(self.target_day.max()) if len(self.target_day) else 0.0
        wanted = folder / "wanted.i32"
        self.wanted = np.fromfile(wanted, "<i4").reshape(-1, 2) if wanted.exists() else None
        # One occasion is a customer, a product and a basket, however many lines it has.
        keys = np.stack([self.customer, self.basket, self.product], axis=1)
        _, first = np.unique(keys, axis=0, return_index=True)
        self.occasion = np.sort(first)
        self.counts = self.matrix(np.ones(len(self.occasion)))
        self.buyers = np.bincount(self.counts.indices, minlength=self.products).astype(np.float64)

    def part(self, count, seed):
        """The same case with at most so many of its targets."""
        part = copy.copy(self)
        if len(self.target) > count:
            chosen = np.sort(np.random.default_rng(seed).choice(len(self.target), count, replace=False))
            part.target, part.target_day = self.target[chosen], self.target_day[chosen]
            part.wanted = self.wanted[np.isin(self.wanted[:, 0], part.target)]
        return part

    def matrix(self, weights, dtype=np.float64):
        """Customers by products, the weights of the occasions added up."""
        rows, columns = self.customer[self.occasion], self.product[self.occasion]
        shape = (self.customers, self.products)
        matrix = sp.csr_matrix((weights.astype(dtype), (rows, columns)), shape)
        matrix.eliminate_zeros()
        return matrix

    def decayed(self, half_life_days):
        if half_life_days is None:
            return self.counts
        # Seen from the newest event: only the order matters, and it keeps the weights from vanishing.
        ages = self.day.max() - self.day[self.occasion]
        return self.matrix(np.exp2(-ages / half_life_days))

    def popularity(self, half_life_days=None):
        """Buyers of each product, each counted at the last purchase."""
        rows, columns = self.customer[self.occasion], self.product[self.occasion]
        keys = rows.astype(np.int64) * self.products + columns
        order = np.lexsort((self.day[self.occasion], keys))
        ends = np.append(keys[order][1:] != keys[order][:-1], True)
        last, product = self.day[self.occasion][order][ends], columns[order][ends]
        weights = np.ones(len(last)) if half_life_days is None else np.exp2((last - self.day.max()) / half_life_days)
        return np.bincount(product, weights, self.products)


def best(products, scores, length):
    """The products with the largest scores, the largest first; ties by the smaller number."""
    if len(products) > length:
        top = np.argpartition(-scores, length - 1)[:length]
        products, scores = products[top], scores[top]
    return products[np.lexsort((products, -scores))]


def lists_by_score(case, scores, task, length=None):
    """The best products of every target by its row of a sparse matrix. Products without a score
    follow in the order of popularity."""
    length = length or case.length
    fillers = np.argsort(-case.popularity(), kind="stable")
    lists = np.full((len(case.target), length), -1, "<i4")
    for row, customer in enumerate(case.target):
        products, values = row_of(scores, row)
        known = row_of(case.counts, customer)[0]
        if task == "new":
            fresh = ~np.isin(products, known)
            products, values = products[fresh], values[fresh]
        found = best(products, values, length)
        if len(found) < length:
            taken = np.concatenate([found, known]) if task == "new" else found
            more = fillers[: length + len(taken)]
            found = np.concatenate([found, more[~np.isin(more, taken)]])[:length]
        lists[row, : len(found)] = found
    return lists


def row_of(matrix, row):
    begin, end = matrix.indptr[row], matrix.indptr[row + 1]
    return matrix.indices[begin:end], matrix.data[begin:end]


def truth(case, task):
    """The wanted products of every target as a 0/1 matrix, one row a target."""
    places = np.full(case.customers, -1)
    places[case.target] = np.arange(len(case.target))
    rows, columns = places[case.wanted[:, 0]], case.wanted[:, 1]
    wanted = sp.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(case.target), case.products))
    wanted.data[:] = 1.0
    if task == "new":
        known = case.counts[case.target]
        known.data[:] = 1.0
        wanted = (wanted - wanted.multiply(known)).tocsr()
        wanted.eliminate_zeros()
    return wanted


def hits(wanted, lists):
    rows = np.repeat(np.arange(len(lists)), lists.shape[1])
    found = np.asarray(wanted[rows, np.maximum(lists, 0).ravel()]).reshape(lists.shape)
    return found * (lists >= 0)


def ndcg(case, lists, task):
    """What peers are tuned on. The table itself is made by the benchmark from the lists."""
    wanted = truth(case, task)
    counts = np.diff(wanted.indptr)
    ideal = np.cumsum(HITS)[np.minimum(np.maximum(counts, 1), case.length) - 1]
    gains = hits(wanted, lists[:, : case.length]) @ HITS[: min(case.length, lists.shape[1])]
    return float((gains / ideal)[counts > 0].mean())
