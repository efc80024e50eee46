package steno;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;

/** Takes what comes. */
@EnableKafka
class Take {
    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void take(ConsumerRecord<byte[], byte[]> record) {
        Telling.tell(Telling.of(record));
    }
}
