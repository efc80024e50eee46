package steno;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import tools.jackson.databind.json.JsonMapper;

/** One JSON document a line, whoever else writes. */
final class Telling {
    private static final JsonMapper JSON = new JsonMapper();
    private static final PrintStream OUT =
            new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);

    private Telling() {}

    static void tell(Map<String, ?> document) {
        synchronized (OUT) {
            OUT.println(JSON.writeValueAsString(document));
        }
    }

    /** A record's bytes in hex, and where it stands. */
    static Map<String, Object> of(ConsumerRecord<byte[], byte[]> record) {
        List<List<String>> headers = new ArrayList<>();
        record.headers().forEach(header -> headers.add(Arrays.asList(header.key(), hex(header.value()))));
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("topic", record.topic());
        document.put("partition", record.partition());
        document.put("offset", record.offset());
        document.put("timestamp", record.timestamp());
        document.put("key", hex(record.key()));
        document.put("value", hex(record.value()));
        document.put("headers", headers);
        return document;
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? null : HexFormat.of().formatHex(bytes);
    }
}
