package steno;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.env.MapPropertySource;

/** Runs applications on command: a line in is a verb, a topic and a group, or `stop`; ends with its input. */
public final class Program {
    private static final Map<String, Class<?>> VERBS =
            Map.of(
                    "recover", Recover.class,
                    "recover-keys", RecoverKeys.class,
                    "retry", Retry.class,
                    "read", ReadLetters.class,
                    "read-retried", ReadRetried.class,
                    "take", Take.class);

    private Program() {}

    public static void main(String[] arguments) throws IOException {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Deque<AnnotationConfigApplicationContext> running = new ArrayDeque<>();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            if (words[0].equals("stop")) {
                running.pop().close();
            } else {
                running.push(start(VERBS.get(words[0]), arguments[0], words[1], words[2]));
            }
            Telling.tell(Map.of("done", line));
        }
        Runtime.getRuntime().halt(0);
    }

    private static AnnotationConfigApplicationContext start(
            Class<?> application, String bootstrap, String topic, String group) {
        var context = new AnnotationConfigApplicationContext();
        Map<String, Object> command = Map.of("bootstrap", bootstrap, "topic", topic, "group", group);
        context.getEnvironment().getPropertySources().addFirst(new MapPropertySource("command", command));
        context.register(Connections.class, application);
        context.refresh();
        return context;
    }
}
