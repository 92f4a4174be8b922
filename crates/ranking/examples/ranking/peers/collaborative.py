"""Peers from the library `implicit`: item-kNN and ALS, and the grids they are tuned with."""

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

KINDS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}
KNN_GRID = [(kind, count, form) for kind in KINDS for count in (50, 200) for form in ("once", "counted")]
ALS_GRID = [(64, regularization, alpha) for regularization in (1.0, 10.0, 50.0) for alpha in (1.0, 4.0)]


def wider(entry):
    """What is tried beside the best of the grid: twice the factors."""
    return (2 * entry[0], *entry[1:])


def signal(case, form):
    """Each product once, or as often as it was bought."""
    matrix = case.counts.astype(np.float32)
    if form == "once":
        matrix.data[:] = 1.0
    else:
        matrix.data = np.log1p(matrix.data)
    return matrix


def fit_knn(case, entry, threads):
    kind, count, form = entry
    model = KINDS[kind](K=count + 1, num_threads=threads)
    matrix = signal(case, form)
    model.fit(matrix, show_progress=False)
    return model, matrix


def fit_als(case, entry, threads, seed):
    factors, regularization, alpha = entry
    model = AlternatingLeastSquares(
        factors=factors, regularization=regularization, alpha=alpha, iterations=15, num_threads=threads, random_state=seed
    )
    matrix = signal(case, "counted")
    model.fit(matrix, show_progress=False)
    return model, matrix


def recommend(case, fitted, task, length=None):
    model, matrix = fitted
    length = length or case.length
    ids, _ = model.recommend(case.target, matrix[case.target], N=length, filter_already_liked_items=task == "new")
    lists = np.full((len(case.target), length), -1, "<i4")
    lists[:, : ids.shape[1]] = ids
    return lists
