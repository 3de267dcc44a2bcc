"""Source files in, N-Quads out: one module and one metadata file per source."""
