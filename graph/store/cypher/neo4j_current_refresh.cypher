MATCH (r:Refresh)
WHERE r._current
RETURN r.id AS id
