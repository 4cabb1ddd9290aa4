MATCH (r:Refresh)
SET r._current = CASE WHEN r.id = $refresh THEN true ELSE null END
