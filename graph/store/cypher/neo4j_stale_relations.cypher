MATCH (:<source>)-[r:<type>]->(:<target>)
WHERE r._refresh <> $refresh
RETURN elementId(r) AS id
