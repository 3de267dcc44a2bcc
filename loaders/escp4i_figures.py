"""Markets and results that the ESCP-4i partnerships reported (`escp4i_figures.csv`)."""

from __future__ import annotations

from clusterloom.loaders.contract import Source
from clusterloom.loaders.figures import FigureRow, figures
from clusterloom.loaders.tabular import csv_of

SOURCE = Source("escp4i-figures", FigureRow, csv_of(FigureRow), figures("2018"))
