MATCH (n:<label> {<key>: $key})
RETURN <properties>
