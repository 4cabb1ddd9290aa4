#!/bin/sh
# A real Neo4j for developers and tests, without root or containers: Maven fetches it once, Java 17 runs it in the
# foreground until Ctrl-C or SIGTERM. With NEO4J_URI set it starts nothing and checks that server instead.
#
#   NEO4J_PASSWORD  password of user neo4j; without it one is made, once, and kept beside the data
#   NEO4J_PORT      loopback port for Bolt (7687)
#   NEO4J_HOME      where data, class path and password lie (.ringleader/neo4j)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=$here/../../.venv/bin/python

if [ -n "${NEO4J_URI:-}" ]; then
    echo "NEO4J_URI is set: checking $NEO4J_URI instead of starting a server"
    exec "$python" "$here/check.py"
fi

for tool in java mvn; do
    command -v "$tool" >/dev/null || {
        echo "make neo4j needs $tool (Java 17 or later, and Maven); or set NEO4J_URI, or use configs/compose.yaml" >&2
        exit 1
    }
done

home=${NEO4J_HOME:-.ringleader/neo4j}
port=${NEO4J_PORT:-7687}
umask 077
mkdir -p "$home"

if [ -z "${NEO4J_PASSWORD:-}" ]; then
    [ -s "$home/password" ] || od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$home/password"
    NEO4J_PASSWORD=$(cat "$home/password")
    echo "password: export RINGLEADER_NEO4J_PASSWORD=\$(cat $home/password)"
fi
export NEO4J_PASSWORD

classpath=$home/classpath
if [ ! -s "$classpath" ] || [ "$here/pom.xml" -nt "$classpath" ] || [ ! -f "$(cut -d: -f1 "$classpath")" ]; then
    echo "resolving Neo4j with Maven (once, some 100 MB)"
    mvn -q -B -f "$here/pom.xml" dependency:build-classpath -Dmdep.outputFile="$(cd "$home" && pwd)/classpath"
fi

echo "starting on port $port, data in $home"
exec java -Xmx512m -XX:+UseSerialGC -cp "$(cat "$classpath")" "$here/Launcher.java" "$home/data" "$port"
