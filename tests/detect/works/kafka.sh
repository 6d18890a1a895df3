# A broker of Apache Kafka with a topic, written to and read from.
# needs: java mvn
# by hand only

jars=$(PYTHONPATH="$SOURCES" "$PYTHON" -c 'from tests.support.kafka.java import jars; print(jars())')
printf '#!/bin/sh\nmain=$1; shift\nexec java -Xmx256m -XX:+UseSerialGC -Dlog4j2.level=WARN -cp "%s/*" "$main" "$@"\n' "$jars" > kafka-run; chmod 755 kafka-run
printf 'process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:9193\nlisteners=PLAINTEXT://127.0.0.1:9192,CONTROLLER://127.0.0.1:9193\ncontroller.listener.names=CONTROLLER\nlog.dirs=%s/data\noffsets.topic.replication.factor=1\n' "$WORK" > server.properties
./kafka-run kafka.tools.StorageTool format --cluster-id MkU3OEVBNTcwNTJENDM2Qg -c server.properties
./kafka-run kafka.Kafka server.properties > kafka.log 2>&1 & pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
./kafka-run org.apache.kafka.tools.TopicCommand --bootstrap-server 127.0.0.1:9192 --create --topic perch --partitions 3
./kafka-run org.apache.kafka.tools.ProducerPerformance --topic perch --num-records 20000 --record-size 200 --throughput -1 --producer-props bootstrap.servers=127.0.0.1:9192
./kafka-run org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server 127.0.0.1:9192 --topic perch --from-beginning --max-messages 100 > got
kill $pid; wait $pid || true
