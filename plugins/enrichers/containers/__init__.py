"""What enrichers of container engines share: facts of a container, image references, and the fields made of them."""
