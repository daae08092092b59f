package demo;

public interface GreetService {
  String hello(String name);

  int add(int a, int b);
}
