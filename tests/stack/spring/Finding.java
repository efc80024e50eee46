package steno;

import java.math.BigInteger;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What an application found in the headers of a record. */
record Finding(Origin origin, Failure exception, Integer attempts, byte[] firstTimestamp) {
    /** Where the record first stood. */
    record Origin(String topic, int partition, long offset, long timestamp, String timestampType, String group) {}

    /** Why it is here. */
    record Failure(String fqcn, String cause, String message, String stacktrace) {}

    void tell(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> document = Telling.of(record);
        document.put("origin", origin);
        document.put("exception", exception);
        document.put("attempts", attempts);
        document.put("firstTimestamp", firstTimestamp == null ? null : new BigInteger(firstTimestamp).longValue());
        Telling.tell(document);
    }
}
