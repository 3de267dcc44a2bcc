"""The figures on the Commission's slides of 4 December 2019 (`commission_2019_figures.csv`)."""

from __future__ import annotations

from clusterloom.loaders.contract import Source
from clusterloom.loaders.figures import FigureRow, figures
from clusterloom.loaders.tabular import csv_of

SOURCE = Source("commission-2019-figures", FigureRow, csv_of(FigureRow), figures("2019-12-04"))
