MATCH (m:<source>)-[r:<type>]->(:<target> {<target_key>: $key})
RETURN m.<source_key> AS neighbour, <properties>
ORDER BY <strength>neighbour
LIMIT $limit
