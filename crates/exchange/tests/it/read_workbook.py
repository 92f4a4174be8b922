"""Prints every cell that a workbook has, as openpyxl reads it: sheet, place, type, value, format."""

import sys

from openpyxl import load_workbook

book = load_workbook(sys.argv[1])
for sheet in book.worksheets:
    print(sheet.title, "frozen", sheet.freeze_panes, "filter", sheet.auto_filter.ref, sep="\t")
    for validation in sheet.data_validations.dataValidation:
        print(sheet.title, "choices", validation.sqref, validation.formula1, sep="\t")
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value is not None:
                print(sheet.title, cell.coordinate, cell.data_type, cell.value, cell.number_format, sep="\t")
