UNWIND $rows AS row
MATCH (a:<source> {<source_key>: row[0]})
MATCH (b:<target> {<target_key>: row[1]})
MERGE (a)-[r:<type>]->(b)
SET <properties>
