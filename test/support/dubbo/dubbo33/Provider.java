package demo;

import java.util.HashMap;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.MetadataReportConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * Provider of GreetService. Arguments are key=value: registry, level (interface, instance or all), application, port,
 * protocol, and optionally metadata (local or remote), group, version, weight. It ends with its standard input.
 */
public final class Provider {
  public static void main(String[] args) throws Exception {
    Map<String, String> given = new HashMap<>();
    for (String arg : args) given.put(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
    String registry = given.get("registry");
    ServiceConfig<GreetService> service = new ServiceConfig<>();
    service.setInterface(GreetService.class);
    service.setRef(new Greeter());
    if (given.containsKey("group")) service.setGroup(given.get("group"));
    if (given.containsKey("version")) service.setVersion(given.get("version"));
    if (given.containsKey("weight")) service.setWeight(Integer.valueOf(given.get("weight")));
    ApplicationConfig application = new ApplicationConfig(given.get("application"));
    application.setRegisterMode(given.get("level"));
    application.setQosEnable(false);
    application.setLogger("slf4j");
    DubboBootstrap bootstrap = DubboBootstrap.getInstance();
    if (given.containsKey("metadata")) application.setMetadataType(given.get("metadata"));
    bootstrap.application(application).registry(new RegistryConfig(registry));
    bootstrap.protocol(new ProtocolConfig(given.get("protocol"), Integer.parseInt(given.get("port"))));
    if ("remote".equals(given.get("metadata"))) bootstrap.metadataReport(new MetadataReportConfig(registry));
    bootstrap.service(service).start();
    System.out.println("provider is ready");
    while (System.in.read() >= 0) continue;
    bootstrap.stop();
    System.exit(0);
  }

  private static final class Greeter implements GreetService {
    @Override
    public String hello(String name) {
      return "hello " + name;
    }

    @Override
    public int add(int a, int b) {
      return a + b;
    }
  }
}
