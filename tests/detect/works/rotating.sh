# Logs rotated by the service that writes them.
# needs: java javac
# by hand only

cat > X.java <<'END'
public class X {
    public static void main(String[] words) {
        for (int n = 0; n < 60; n++) System.gc();
    }
}
END
javac X.java
for start in 1 2; do java "-Xlog:gc*:file=$LOGS/gc.log::filecount=2,filesize=8k" X; done
