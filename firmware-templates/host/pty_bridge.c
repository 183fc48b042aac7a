/*
 * A pseudo terminal that any program can open like a serial port, bridged to standard input and output. Node cannot
 * make one itself.
 *
 *   pty_bridge LINK SIDECAR      makes LINK a symbolic link to the terminal and says "ready" on standard error
 *
 * "open" there tells that a program has opened the terminal: a pty has no DTR, whose pulse would reset some boards.
 *
 * Ends when standard input ends, so when its parent dies, and takes LINK and SIDECAR with it. A program may close the
 * terminal and open it again; what the board says meanwhile is lost, as on a wire that nobody listens to.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/inotify.h>
#endif
#include <termios.h>
#include <unistd.h>

#define WAIT_FOR_CLIENT_MS 20

static const char *link_path;
static const char *sidecar_path;
static char terminal_path[256];

/* Only what is still ours: another server may have taken the name over. */
static void finish(void)
{
    char target[256];
    const ssize_t length = readlink(link_path, target, sizeof target - 1);

    if (length > 0) {
        target[length] = '\0';
        if (strcmp(target, terminal_path) == 0) {
            unlink(link_path);
            unlink(sidecar_path);
        }
    }
    exit(0);
}

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* No echo, no line editing, no CR and LF translation. */
static void make_raw(int terminal)
{
    struct termios settings;

    if (tcgetattr(terminal, &settings) != 0)
        return;
    settings.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | IGNBRK | IGNCR | INLCR | INPCK | ISTRIP | IXON | PARMRK);
    settings.c_oflag &= (tcflag_t)~OPOST;
    settings.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
    settings.c_cflag = (settings.c_cflag & (tcflag_t) ~(CSIZE | PARENB)) | CS8;
    tcsetattr(terminal, TCSANOW, &settings);
}

static int open_terminal(void)
{
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    const char *name;
    int slave;

    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 || (name = ptsname(master)) == NULL)
        fail("cannot make a pseudo terminal");
    snprintf(terminal_path, sizeof terminal_path, "%s", name);
    slave = open(terminal_path, O_RDWR | O_NOCTTY);
    if (slave < 0)
        fail(terminal_path);
    make_raw(slave);
    close(slave); /* from now on the master tells by POLLHUP whether anybody has it open */
    fcntl(master, F_SETFL, O_NONBLOCK);
    return master;
}

static int has_client(int master)
{
    struct pollfd state = {master, 0, 0};

    return poll(&state, 1, 0) >= 0 && !(state.revents & POLLHUP);
}

/* Waits for a slow reader, but not for one that has gone. */
static void send_to_client(int master, const char *bytes, size_t count)
{
    while (count > 0 && has_client(master)) {
        const ssize_t sent = write(master, bytes, count);
        if (sent > 0) {
            bytes += sent;
            count -= (size_t)sent;
        } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return;
        } else {
            struct pollfd room = {master, POLLOUT, 0};
            poll(&room, 1, WAIT_FOR_CLIENT_MS);
        }
    }
}

static void send_to_board(const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t sent = write(STDOUT_FILENO, bytes, count);
        if (sent <= 0)
            finish();
        bytes += sent;
        count -= (size_t)sent;
    }
}

/*
 * Tells of programs that open the terminal, also of one that comes right behind another: the master shows no gap between
 * two that follow each other quickly. Without inotify (-1) it is what remains.
 */
static int watch_terminal(void)
{
#ifdef __linux__
    const int watch = inotify_init1(IN_NONBLOCK);

    if (watch >= 0 && inotify_add_watch(watch, terminal_path, IN_OPEN) >= 0)
        return watch;
#endif
    return -1;
}

static void say_open(void)
{
    fprintf(stderr, "open\n");
}

static void bridge(int master)
{
    const int watch = watch_terminal();
    char bytes[4096];
    int was_open = 0;

    for (;;) {
        const int client = has_client(master);
        struct pollfd ends[3] = {{STDIN_FILENO, POLLIN, 0}, {master, POLLIN, 0}, {watch, POLLIN, 0}};

        if (watch < 0 && client && !was_open)
            say_open();
        was_open = client;
        /* Without a client the master would report its hang-up at once, for ever. */
        if (!client)
            ends[1].fd = -1;
        if (poll(ends, 3, client ? -1 : WAIT_FOR_CLIENT_MS) < 0)
            continue;
        if (ends[2].revents && read(watch, bytes, sizeof bytes) > 0)
            say_open(); /* before what that program has written */
        if (ends[0].revents) {
            const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
            if (count <= 0)
                finish();
            send_to_client(master, bytes, (size_t)count);
        }
        if (!client || ends[1].revents & POLLIN) { /* one that has gone may have left a last command */
            const ssize_t count = read(master, bytes, sizeof bytes);
            if (count > 0)
                send_to_board(bytes, (size_t)count);
        }
        if (client && ends[1].revents & POLLHUP) {
            make_raw(master); /* the next program must not find what this one set */
            was_open = 0; /* which it may have opened already */
        }
    }
}

int main(int argc, char **argv)
{
    int master;

    if (argc != 3)
        return 2;
    link_path = argv[1];
    sidecar_path = argv[2];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* Ctrl-C reaches the whole group: the parent decides, and closes standard input */
    master = open_terminal();
    if (symlink(terminal_path, link_path) != 0)
        fail(link_path);
    fprintf(stderr, "ready\n");
    bridge(master);
}
