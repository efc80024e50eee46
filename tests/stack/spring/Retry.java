package steno;

import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.annotation.EnableKafkaRetryTopic;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.retrytopic.RetryTopicConfiguration;
import org.springframework.kafka.retrytopic.RetryTopicConfigurationBuilder;
import org.springframework.scheduling.TaskScheduler;
import org.springframework.scheduling.concurrent.ThreadPoolTaskScheduler;

/** Fails on every record three times: on its topic and on two retry topics. Dead letters stay where they are. */
@EnableKafkaRetryTopic
class Retry {
    private static final int PARTITIONS = 2;

    @Bean
    RetryTopicConfiguration retryTopics(@Value("${topic}") String topic, KafkaTemplate<byte[], byte[]> template) {
        return RetryTopicConfigurationBuilder.newInstance()
                .includeTopic(topic)
                .maxAttempts(3)
                .exponentialBackoff(100, 2, 200)
                .autoCreateTopicsWith(PARTITIONS, (short) 1)
                .autoStartDltHandler(false)
                .create(template);
    }

    @Bean
    TaskScheduler taskScheduler() {
        return new ThreadPoolTaskScheduler();
    }

    @KafkaListener(topics = "${topic}", groupId = "${group}")
    void fail(ConsumerRecord<byte[], byte[]> record) {
        throw new IllegalStateException("cannot be read", new IOException("übel"));
    }
}
