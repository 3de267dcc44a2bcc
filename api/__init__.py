"""The HTTP service: SPARQL protocol, linked data, REST and pages."""
