"""The query library: one `.rq` file is an example, a REST route, a form, a page and a test."""
