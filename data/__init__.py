"""The curated tables (CSV) and the metadata file of each."""
