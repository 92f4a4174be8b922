"""Other forecasters on the questions in a folder: main.py PROTOCOL FOLDER.

market-days: AutoETS and AutoTheta of statsforecast, a series a question.
daily, daily-weather: LightGBM quantile models over all series, and AutoETS with a season of a week.
speed: AutoETS on all daily series, 28 days ahead.
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
QUANTILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
# Central intervals whose ends are those quantiles.
INTERVALS = [20, 40, 60, 80]
THREADS = 2
LEAD_DAYS = 7


def order_statistics(values):
    """What stands in where a model cannot be fitted."""
    ordered = np.sort(values)
    places = np.clip(np.ceil(np.array(QUANTILES) * (len(ordered) + 1)).astype(int), 1, len(ordered))
    return ordered[places - 1]


def quantiles_of(frame, name):
    columns = [f"{name}-lo-{i}" for i in reversed(INTERVALS)] + [name] + [f"{name}-hi-{i}" for i in INTERVALS]
    # AutoETS of this version answers its lower bounds in the opposite order of its levels.
    return np.sort(np.maximum(frame[columns].to_numpy(), 0.0), axis=1)


def statsforecast_quantiles(frame, models, horizon):
    from statsforecast import StatsForecast
    from statsforecast.models import Naive

    engine = StatsForecast(models=models, freq=1, n_jobs=THREADS, fallback_model=Naive())
    return engine.forecast(df=frame, h=horizon, level=INTERVALS)


def market_days(folder):
    from statsforecast.models import AutoETS, AutoTheta

    tasks = pd.read_csv(folder / "market-days.questions.csv")
    tasks["ds"] = tasks.groupby("task").cumcount()
    answers = []
    for season, part in tasks.groupby("season"):
        frame = part.rename(columns={"task": "unique_id", "value": "y"})[["unique_id", "ds", "y"]]
        models = [AutoETS(season_length=int(season)), AutoTheta(season_length=int(season))]
        found = statsforecast_quantiles(frame, models, 1).sort_values("unique_id")
        values = frame.groupby("unique_id").y.apply(np.array)
        for name in ["AutoETS", "AutoTheta"]:
            for task, row in zip(found.unique_id, quantiles_of(found, name)):
                if not np.all(np.isfinite(row)):
                    row = order_statistics(values[task])
                answers.append([name.lower(), task, *row])
    save(folder / "market-days.answers.csv", answers)


def save(place, answers):
    pd.DataFrame(answers, columns=["peer", "question", *QUANTILES]).to_csv(place, index=False)


def wide(days, column):
    return days.pivot(index="date", columns="series", values=column).asfreq("D")


def features_of(days, knows_weather):
    """Features by day and series, and the level everything is divided by: all known a week before."""
    demand = wide(days, "demand")
    open_days = demand.where(demand > 0)
    weeks = [demand.shift(7 * week) for week in range(1, 9)]
    open_weeks = [open_days.shift(7 * week) for week in range(1, 9)]
    mean = lambda frames: pd.DataFrame(
        np.nanmean(np.stack([frame.to_numpy() for frame in frames]), axis=0), demand.index, demand.columns
    )
    rolling = lambda length: open_days.rolling(length, min_periods=max(2, length // 5)).mean().shift(LEAD_DAYS)
    level = mean(open_weeks).fillna(rolling(28))
    found = {"mean_4": mean(weeks[:4]) / level, "mean_8": mean(weeks) / level}
    found |= {"week_1": weeks[0] / level, "week_2": weeks[1] / level, "year": demand.shift(364) / level}
    found |= {f"rolling_{length}": rolling(length) / level for length in (7, 28, 91, 364)}
    around_year = open_days.rolling(21, center=True, min_periods=5).mean().shift(364)
    found["year_change"] = around_year / open_days.rolling(28, min_periods=5).mean().shift(364 + LEAD_DAYS)
    found["level"] = np.log1p(level)
    flags = ["holiday", "before_holiday", "school_holiday", "promoted", "price"]
    for name in flags + (["rain", "temperature", "wind"] if knows_weather else []):
        if days[name].notna().any():
            found[name] = wide(days, name)
    for name in ["holiday", "promoted"]:
        found[f"{name}_week_before"] = wide(days, name).shift(7)
        found[f"{name}_next_day"] = wide(days, name).shift(-1)
        found[f"{name}_day_before"] = wide(days, name).shift(1)
    calendar = {"weekday": demand.index.weekday, "day_of_year": demand.index.dayofyear}
    for name, values in calendar.items():
        found[name] = pd.DataFrame(np.repeat(np.array(values)[:, None], demand.shape[1], 1), demand.index, demand.columns)
    kinds = days.drop_duplicates("series").set_index("series")
    for name in ["store", "product"]:
        codes = kinds[name].astype("category").cat.codes.reindex(demand.columns).to_numpy()
        found[name] = pd.DataFrame(np.repeat(codes[None], len(demand), 0), demand.index, demand.columns)
    return demand, level, found


def lightgbm_answers(days, questions, knows_weather):
    import lightgbm

    demand, level, found = features_of(days, knows_weather)
    names = list(found)
    table = np.stack([found[name].to_numpy(dtype=float) for name in names], axis=-1)
    y, base = demand.to_numpy(), level.to_numpy()
    # What was known when the judged period began; a week of it is kept out, as it is when forecasting.
    end = pd.Timestamp(questions.split_at.iloc[0]) - pd.Timedelta(days=LEAD_DAYS - 1)
    usable = np.isfinite(base) & (base > 0) & np.isfinite(y)
    known = usable & np.asarray(demand.index < end)[:, None]
    known[:60] = False
    rows = demand.index.get_indexer(questions.date)
    columns = demand.columns.get_indexer(questions.series)
    asked, scale = table[rows, columns], np.nan_to_num(base[rows, columns])
    categorical = ["weekday", "product", "store"]
    data = lightgbm.Dataset(
        table[known], y[known] / base[known], weight=base[known], feature_name=names, categorical_feature=categorical, free_raw_data=False
    )
    answers = np.zeros((len(questions), len(QUANTILES)))
    for place, level_of in enumerate(QUANTILES):
        settings = dict(
            objective="quantile", alpha=level_of, learning_rate=0.05, num_leaves=31, min_data_in_leaf=50,
            feature_fraction=0.7, bagging_fraction=0.8, bagging_freq=1, verbose=-1, num_threads=THREADS, seed=1,
        )  # fmt: skip
        answers[:, place] = lightgbm.train(settings, data, 400).predict(asked) * scale
    return np.sort(np.maximum(answers, 0.0), axis=1)


def daily_ets_answers(days, questions):
    """Fitted anew every week: each forecast is seven to thirteen days old."""
    from statsforecast.models import AutoETS

    start, end = questions.date.min(), questions.date.max()
    by_key = {}
    while start <= end:
        known = days[days.date <= start - pd.Timedelta(days=LEAD_DAYS)]
        known = known[known.date > start - pd.Timedelta(days=LEAD_DAYS + 730)]
        frame = pd.DataFrame({"unique_id": known.series, "ds": (known.date - pd.Timestamp("2000-01-01")).dt.days, "y": known.demand})
        found = statsforecast_quantiles(frame, [AutoETS(season_length=7)], LEAD_DAYS + 6)
        dates = pd.Timestamp("2000-01-01") + pd.to_timedelta(found.ds, unit="D")
        for series, date, row in zip(found.unique_id, dates, quantiles_of(found, "AutoETS")):
            if start <= date < start + pd.Timedelta(days=7):
                by_key[series, date] = row
        start += pd.Timedelta(days=7)
    missing = np.zeros(len(QUANTILES))
    return np.stack([by_key.get(key, missing) for key in zip(questions.series, questions.date)])


def daily(folder, protocol):
    days = pd.read_csv(folder / "daily-days.csv", parse_dates=["date"])
    questions = pd.read_csv(folder / f"{protocol}.questions.csv", parse_dates=["date", "split_at"])
    # The judged period's own demand is known only to features that look a week or more back.
    found = {"lightgbm": lightgbm_answers(days, questions, protocol == "daily-weather"), "autoets": daily_ets_answers(days, questions)}
    answers = [[name, place, *row] for name, rows in found.items() for place, row in enumerate(rows)]
    save(folder / f"{protocol}.answers.csv", answers)


def speed(folder):
    from statsforecast import StatsForecast
    from statsforecast.models import AutoETS

    days = pd.read_csv(folder / "daily-days.csv", parse_dates=["date"])
    frame = pd.DataFrame({"unique_id": days.series, "ds": days.date, "y": days.demand})
    warm = frame[frame.unique_id < 2].groupby("unique_id").tail(60)
    StatsForecast(models=[AutoETS(season_length=7)], freq="D").forecast(df=warm, h=7)
    start = time.perf_counter()
    StatsForecast(models=[AutoETS(season_length=7)], freq="D", n_jobs=THREADS).forecast(df=frame, h=28)
    (folder / "speed.seconds").write_text(str(time.perf_counter() - start))


def main():
    protocol, folder = sys.argv[1], Path(sys.argv[2])
    if protocol == "market-days":
        market_days(folder)
    elif protocol == "speed":
        speed(folder)
    else:
        daily(folder, protocol)


if __name__ == "__main__":
    main()
