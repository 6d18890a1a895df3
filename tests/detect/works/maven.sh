# A project in Java built and tested by Maven.
# needs: mvn javac
# by hand only

mkdir -p src/main/java
printf 'public class Perch { public static void main(String[] a) { System.out.println(1); } }\n' > src/main/java/Perch.java
printf '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>perch</artifactId><version>1</version><properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target></properties></project>\n' > pom.xml
mvn -q -B package
java -cp target/classes Perch
