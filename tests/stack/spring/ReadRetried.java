package steno;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.retrytopic.RetryTopicHeaders;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;

/** Reads hops and dead letters as an application does that knows what retry topics write. */
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
            @Header(KafkaHeaders.EXCEPTION_CAUSE_FQCN) String cause,
            @Header(KafkaHeaders.EXCEPTION_MESSAGE) String message,
            @Header(KafkaHeaders.EXCEPTION_STACKTRACE) String stacktrace,
            @Header(RetryTopicHeaders.DEFAULT_HEADER_ATTEMPTS) int attempts,
            @Header(RetryTopicHeaders.DEFAULT_HEADER_ORIGINAL_TIMESTAMP) byte[] first) {
        var origin = new Finding.Origin(topic, partition, offset, timestamp, timestampType, group);
        var failure = new Finding.Failure(exception, cause, message, stacktrace);
        new Finding(origin, failure, attempts, first).tell(record);
    }
}
