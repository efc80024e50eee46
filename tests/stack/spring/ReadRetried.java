package steno;

import java.math.BigInteger;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.retrytopic.RetryTopicHeaders;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;

/** Reads what retry topics led to as an application does that knows what retry topics write. */
@EnableKafka
class ReadRetried {
    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void read(
            ConsumerRecord<byte[], byte[]> record,
            @Header(KafkaHeaders.ORIGINAL_TOPIC) String topic,
            @Header(KafkaHeaders.ORIGINAL_PARTITION) int partition,
            @Header(KafkaHeaders.ORIGINAL_OFFSET) long offset,
            @Header(KafkaHeaders.ORIGINAL_TIMESTAMP) long timestamp,
            @Header(KafkaHeaders.ORIGINAL_TIMESTAMP_TYPE) String timestampType,
            @Header(KafkaHeaders.ORIGINAL_CONSUMER_GROUP) String group,
            @Header(KafkaHeaders.EXCEPTION_FQCN) String exception,
            @Header(KafkaHeaders.EXCEPTION_MESSAGE) String message,
            @Header(name = RetryTopicHeaders.DEFAULT_HEADER_ATTEMPTS, required = false) Integer attempts,
            @Header(name = RetryTopicHeaders.DEFAULT_HEADER_ORIGINAL_TIMESTAMP, required = false) byte[] first) {
        Map<String, Object> letter = Telling.of(record);
        Map<String, Object> origin =
                Map.of(
                        "topic", topic,
                        "partition", partition,
                        "offset", offset,
                        "timestamp", timestamp,
                        "timestamp_type", timestampType,
                        "group", group);
        letter.put("origin", origin);
        letter.put("exception", Map.of("fqcn", exception, "message", message));
        letter.put("attempts", attempts);
        letter.put("first_timestamp", first == null ? null : new BigInteger(first).longValue());
        Telling.tell(letter);
    }
}
