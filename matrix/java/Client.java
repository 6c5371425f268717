import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.ArrayList;
import java.util.List;

/** java.net.http.WebSocket as a client of Autobahn's protocol: `java Client.java URL`. */
public class Client {
    /** Cases at a time. */
    static final int CONCURRENT = 8;
    static final HttpClient CLIENT = HttpClient.newBuilder().executor(Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    })).build();

    /** Sends each part of a message back as it comes, in turn. */
    static class Echo implements WebSocket.Listener {
        final CompletableFuture<String> first = new CompletableFuture<>();
        final CompletableFuture<Void> over = new CompletableFuture<>();

        public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
            first.complete(data.toString());
            CompletionStage<?> sent = socket.sendText(data, last);
            sent.whenComplete((ok, error) -> socket.request(1));
            return null;
        }

        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            ByteBuffer copy = ByteBuffer.allocate(data.remaining());
            copy.put(data).flip();
            socket.sendBinary(copy, last).whenComplete((ok, error) -> socket.request(1));
            return null;
        }

        public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
            over.complete(null);
            return null;
        }

        public void onError(WebSocket socket, Throwable error) {
            over.complete(null);
        }
    }

    static Echo open(String url) throws Exception {
        Echo echo = new Echo();
        CLIENT.newWebSocketBuilder().buildAsync(URI.create(url), echo).get(60, TimeUnit.SECONDS);
        return echo;
    }

    static void run(String url) {
        try {
            open(url).over.get(60, TimeUnit.SECONDS);
        } catch (Exception given) {
            // Whether the client was right to give up is what the case is about.
        }
    }

    public static void main(String[] arguments) throws Exception {
        String url = arguments[0].replaceAll("/$", "");
        int count = Integer.parseInt(open(url + "/getCaseCount").first.get(60, TimeUnit.SECONDS));
        ExecutorService pool = Executors.newFixedThreadPool(CONCURRENT);
        List<Future<?>> runs = new ArrayList<>();
        for (int number = 1; number <= count; number++) {
            String one = url + "/runCase?case=" + number + "&agent=java";
            runs.add(pool.submit(() -> run(one)));
        }
        for (Future<?> run : runs) run.get();
        pool.shutdown();
        run(url + "/updateReports?agent=java");
        System.exit(0);
    }
}
