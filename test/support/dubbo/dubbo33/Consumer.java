package demo;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * Consumer of GreetService. Arguments are key=value: registry, and optionally group, version. For each line of its
 * standard input it calls `hello` and prints the answer, or the error. It ends with its standard input.
 */
public final class Consumer {
  public static void main(String[] args) throws Exception {
    Map<String, String> given = new HashMap<>();
    for (String arg : args) given.put(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
    ApplicationConfig application = new ApplicationConfig("greeter-consumer");
    application.setQosEnable(false);
    application.setLogger("slf4j");
    ReferenceConfig<GreetService> reference = new ReferenceConfig<>();
    reference.setInterface(GreetService.class);
    reference.setCheck(false);
    reference.setTimeout(10_000);
    if (given.containsKey("group")) reference.setGroup(given.get("group"));
    if (given.containsKey("version")) reference.setVersion(given.get("version"));
    DubboBootstrap bootstrap = DubboBootstrap.getInstance();
    bootstrap.application(application).registry(new RegistryConfig(given.get("registry")));
    bootstrap.reference(reference).start();
    GreetService service = reference.get();
    System.out.println("consumer is ready");
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      try {
        System.out.println("answer " + service.hello(line));
      } catch (RuntimeException error) {
        System.out.println("error " + String.valueOf(error.getMessage()).split("\n")[0]);
      }
    }
    bootstrap.stop();
    System.exit(0);
  }
}
