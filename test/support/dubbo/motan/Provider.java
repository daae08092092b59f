package demo;

import com.weibo.api.motan.common.MotanConstants;
import com.weibo.api.motan.config.ProtocolConfig;
import com.weibo.api.motan.config.RegistryConfig;
import com.weibo.api.motan.config.ServiceConfig;
import com.weibo.api.motan.util.MotanSwitcherUtil;
import java.util.HashMap;
import java.util.Map;

/**
 * Provider of GreetService. Arguments are key=value: encoding (zookeeper: Java strings, zk: UTF-8), address of the
 * registry, group, host, port, protocol (motan or motan2). The line "available" on its standard input makes it so; it
 * ends with its standard input.
 */
public final class Provider {
  public static void main(String[] args) throws Exception {
    Map<String, String> given = new HashMap<>();
    for (String arg : args) given.put(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
    ServiceConfig<GreetService> service = new ServiceConfig<>();
    service.setInterface(GreetService.class);
    service.setRef(new Greeter());
    service.setApplication("greeter");
    service.setModule("greeter");
    service.setGroup(given.get("group"));
    service.setVersion("1.0");
    service.setHost(given.get("host"));
    service.setShareChannel(true);
    RegistryConfig registry = new RegistryConfig();
    registry.setRegProtocol(given.get("encoding"));
    registry.setAddress(given.get("registry"));
    registry.setConnectTimeout(3000);
    service.setRegistry(registry);
    ProtocolConfig protocol = new ProtocolConfig();
    protocol.setId(given.get("protocol"));
    protocol.setName(given.get("protocol"));
    service.setProtocol(protocol);
    service.setExport(given.get("protocol") + ":" + given.get("port"));
    service.export();
    System.out.println("provider is ready");
    java.io.BufferedReader input = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine())
      MotanSwitcherUtil.setSwitcherValue(MotanConstants.REGISTRY_HEARTBEAT_SWITCHER, line.equals("available"));
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
