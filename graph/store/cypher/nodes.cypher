MATCH (n:<label>)
RETURN <properties>
