"""How well the stages tell labelled items apart on an endpoint of yours."""
