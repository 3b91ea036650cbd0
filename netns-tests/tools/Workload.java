// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a service in Java does: loops that are compiled while they run, classes that are made and loaded, a
// pool of threads, children, a heap of some hundred MiB, files, and its own port. Says "ready" and ends when
// its standard input does. java Workload.java DIRECTORY: the compiler is part of the workload.
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

public class Workload {
	static long sum(int count) {
		long total = 0;

		for (int i = 0; i < count; i++)
			total = (total + i * 7L) % 1000003;
		return total;
	}

	static void must(boolean holds, String what) {
		if (!holds)
			throw new IllegalStateException(what);
	}

	static void runThreads() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Callable<Long>> tasks = new ArrayList<>();

		for (int i = 0; i < 16; i++)
			tasks.add(() -> sum(2_000_000));
		for (Future<Long> result : pool.invokeAll(tasks))
			must(result.get() >= 0, "a sum");
		pool.shutdown();
	}

	interface Named {
		String name(int number);
	}

	/* Classes of proxies, lambdas and streams are made at run time. */
	static void makeClasses() throws Exception {
		for (int i = 0; i < 50; i++) {
			Named named = (Named) Proxy.newProxyInstance(Workload.class.getClassLoader(),
				new Class<?>[] {Named.class, Map.Entry.class, Runnable.class},
				(proxy, method, arguments) -> method.getName() + arguments[0]);
			must(named.name(i).equals("name" + i), "a proxy");
			must(Pattern.compile("(a|b" + i + ")+c").matcher("aab" + i + "c").matches(), "a pattern");
		}
		for (String name : new String[] {"javax.crypto.Cipher", "java.util.zip.ZipFile",
				"javax.net.ssl.SSLContext", "java.text.SimpleDateFormat", "java.sql.Timestamp"})
			Class.forName(name);
		must(IntStream.range(0, 100_000).filter(i -> i % 3 == 0).mapToObj(Integer::toString)
			.mapToInt(String::length).sum() > 0, "a stream");
	}

	static void runChildren() throws Exception {
		for (int i = 0; i < 5; i++)
			must(new ProcessBuilder("/bin/true").start().waitFor() == 0, "a child");
		must(new ProcessBuilder("/bin/sh", "-c", "exit $((6 * 7))").start().waitFor() == 42, "a shell");
	}

	static List<byte[]> fillHeap() {
		List<byte[]> heap = new ArrayList<>();

		for (int i = 0; i < 300; i++)
			heap.add(new byte[1 << 20]);
		return heap;
	}

	static void writeFiles(Path directory) throws IOException {
		Path file = Files.createTempFile(directory, "java", ".bin");

		Files.write(file, new byte[8 << 20]);
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
			channel.map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20).put(0, (byte) 1);
		}
		must(file.toFile().setExecutable(true), "an executable file");
		Files.delete(file);
	}

	static void askItself() throws IOException {
		HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);

		server.createContext("/", exchange -> {
			byte[] answer = Long.toString(sum(1000)).getBytes();
			exchange.sendResponseHeaders(200, answer.length);
			exchange.getResponseBody().write(answer);
			exchange.close();
		});
		server.start();
		try (var answer = new URL("http", "127.0.0.1", server.getAddress().getPort(), "/").openStream()) {
			must(answer.readAllBytes().length > 0, "an answer");
		}
		server.stop(0);
	}

	public static void main(String[] arguments) throws Exception {
		List<byte[]> heap = fillHeap();

		sum(30_000_000);
		runThreads();
		makeClasses();
		runChildren();
		writeFiles(Path.of(arguments[0]));
		askItself();
		System.out.println("ready");
		while (System.in.read() >= 0) {
		}
		must(heap.size() == 300, "the heap");
	}
}
