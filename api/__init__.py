"""Everything that faces outside: command line, refresh, HTTP, page. Nobody imports it."""
