package steno;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.retrytopic.RetryTopicHeaders;
import org.springframework.kafka.support.KafkaHeaders;
import org.springframework.messaging.handler.annotation.Header;

/** Reads dead letters as an application does that knows what a DeadLetterPublishingRecoverer writes. */
@EnableKafka
class ReadLetters {
    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void read(
            ConsumerRecord<byte[], byte[]> record,
            @Header(KafkaHeaders.DLT_ORIGINAL_TOPIC) String topic,
            @Header(KafkaHeaders.DLT_ORIGINAL_PARTITION) int partition,
            @Header(KafkaHeaders.DLT_ORIGINAL_OFFSET) long offset,
            @Header(KafkaHeaders.DLT_ORIGINAL_TIMESTAMP) long timestamp,
            @Header(KafkaHeaders.DLT_ORIGINAL_TIMESTAMP_TYPE) String timestampType,
            @Header(KafkaHeaders.DLT_ORIGINAL_CONSUMER_GROUP) String group,
            @Header(KafkaHeaders.DLT_EXCEPTION_FQCN) String exception,
            @Header(KafkaHeaders.DLT_EXCEPTION_CAUSE_FQCN) String cause,
            @Header(KafkaHeaders.DLT_EXCEPTION_MESSAGE) String message,
            @Header(KafkaHeaders.DLT_EXCEPTION_STACKTRACE) String stacktrace,
            @Header(name = RetryTopicHeaders.DEFAULT_HEADER_ATTEMPTS, required = false) Integer attempts,
            @Header(name = RetryTopicHeaders.DEFAULT_HEADER_ORIGINAL_TIMESTAMP, required = false) byte[] first) {
        var origin = new Finding.Origin(topic, partition, offset, timestamp, timestampType, group);
        var failure = new Finding.Failure(exception, cause, message, stacktrace);
        new Finding(origin, failure, attempts, first).tell(record);
    }
}
