MATCH (v:Verdict)
WHERE v.kind = $kind AND NOT (v)-[:ABOUT]->()
MATCH (n:<label> {<key>: v.key})
MERGE (v)-[:ABOUT]->(n)
