UNWIND $rows AS row
MERGE (a:Campaign {id: row[0]})
MERGE (b:Campaign {id: row[1]})
MERGE (a)-[r:BECAME {refresh: row[2]}]->(b)
SET r.share = row[3]
