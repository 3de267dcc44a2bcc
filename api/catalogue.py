"""The resources of `/api/v1`. Declaring one adds its routes, its list page and its OpenAPI."""

from __future__ import annotations

from clusterloom.api import catalogue_actors as actors
from clusterloom.api import catalogue_places as places
from clusterloom.api import catalogue_programmes as programmes
from clusterloom.api.resources import Resource

RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for resource in (
        actors.CLUSTERS,
        places.REGIONS,
        places.AREAS,
        places.VALUE_CHAINS,
        actors.PARTNERSHIPS,
        programmes.PROGRAMMES,
        programmes.CALLS,
        programmes.EVENTS,
        actors.ORGANISATIONS,
        actors.PROJECTS,
        programmes.POLICIES,
        programmes.GUIDES,
        programmes.SOURCES,
    )
}
"""Every resource by its name in the address."""
