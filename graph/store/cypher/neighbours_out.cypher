MATCH (:<source> {<source_key>: $key})-[r:<type>]->(m:<target>)
RETURN m.<target_key> AS neighbour, <properties>
ORDER BY <strength>neighbour
LIMIT $limit
