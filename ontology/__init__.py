"""The ontology room: Turtle modules and what the other rooms may ask of them."""
