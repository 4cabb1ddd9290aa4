UNWIND $rows AS row
MERGE (n:<label> {<key>: row[0]})
SET <properties>
