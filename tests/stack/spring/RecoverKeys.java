package steno;

import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.ConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.listener.DeadLetterPublishingRecoverer;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.support.serializer.ErrorHandlingDeserializer;

/** Cannot read any key, so that no record comes to the listener; a recoverer writes the dead letter. */
@EnableKafka
class RecoverKeys {
    @Bean
    ConcurrentKafkaListenerContainerFactory<String, byte[]> keyed(
            ConsumerFactory<byte[], byte[]> consumers, KafkaTemplate<byte[], byte[]> template) {
        Deserializer<String> unable =
                (topic, data) -> {
                    throw new SerializationException("no such key");
                };
        var factory = new ConcurrentKafkaListenerContainerFactory<String, byte[]>();
        factory.setConsumerFactory(
                new DefaultKafkaConsumerFactory<>(
                        consumers.getConfigurationProperties(),
                        new ErrorHandlingDeserializer<>(unable),
                        new ByteArrayDeserializer()));
        factory.setCommonErrorHandler(new DefaultErrorHandler(new DeadLetterPublishingRecoverer(template)));
        return factory;
    }

    @KafkaListener(topics = "${topic}", groupId = "${group}", containerFactory = "keyed")
    void never(byte[] value) {
        throw new IllegalStateException("a key was read");
    }
}
