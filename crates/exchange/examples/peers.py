"""The same workbook by other programs: seconds of processor time and peak memory in MB."""

import datetime
import resource
import sys

peer, rows, target = sys.argv[1], int(sys.argv[2]), sys.argv[3]
TITLES = ["Budget id", "Name", "Customer id", "Category", "Amount", "Currency", "Starts on", "Ends on", "a", "b"]
EPOCH = datetime.date(1970, 1, 1)


def cells(number):
    day = EPOCH + datetime.timedelta(days=20_000 + number % 365)
    return [
        f"id-{number:08}",
        f"name {number % 1000}",
        f"customer {number % 1000}",
        f"category {number % 1000}",
        number / 100,
        "ZAR",
        day,
        day + datetime.timedelta(days=100),
        number / 7,
        number,
    ]


if peer == "XlsxWriter":
    import xlsxwriter

    book = xlsxwriter.Workbook(target, {"constant_memory": True})
    sheet = book.add_worksheet()
    money = book.add_format({"num_format": '"R" #,##0.00'})
    date = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(0, 0, TITLES)
    for number in range(rows):
        row = cells(number)
        for at, value in enumerate(row):
            if at in (6, 7):
                sheet.write_datetime(number + 1, at, value, date)
            elif at == 4:
                sheet.write_number(number + 1, at, value, money)
            elif isinstance(value, str):
                sheet.write_string(number + 1, at, value)
            else:
                sheet.write_number(number + 1, at, value)
    book.close()
else:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(TITLES)
    for number in range(rows):
        sheet.append(cells(number))
    book.save(target)

spent = resource.getrusage(resource.RUSAGE_SELF)
print(spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024)
