package steno;

import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.CommonErrorHandler;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.util.backoff.FixedBackOff;

/** Fails on every record, tries it once more at once; its recoverer writes the dead letter. */
@EnableKafka
class Recover {
    @Bean
    CommonErrorHandler errorHandler(KafkaTemplate<byte[], byte[]> template) {
        return new DefaultErrorHandler(new DeadLetterPublishingRecoverer(template), new FixedBackOff(0, 1));
    }

    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void fail(ConsumerRecord<byte[], byte[]> record) {
        throw new IllegalStateException("cannot be read", new IOException("übel"));
    }
}
