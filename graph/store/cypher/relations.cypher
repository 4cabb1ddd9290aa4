MATCH (a:<source>)-[r:<type>]->(b:<target>)
RETURN a.<source_key> AS source, b.<target_key> AS target, <properties>
