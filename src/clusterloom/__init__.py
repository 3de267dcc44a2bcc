"""Clusterloom: the open knowledge graph of Europe's clusters, value chains and S3 areas.

The kernel holds what every room needs: settings, errors, names and serialised RDF terms.
It imports none of the rooms; only `clusterloom.cli` does.
"""

__version__ = "0.1.0"
