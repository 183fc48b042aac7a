# Stand-in for the Pico SDK's entry into CMake: what the project calls, for a program of this computer.
set(STAND_INS ${PICO_SDK_PATH}/..)

macro(pico_sdk_init)
    add_library(pico_stdlib INTERFACE)
    target_sources(pico_stdlib INTERFACE ${PICO_SDK_PATH}/machine.c)
    target_include_directories(pico_stdlib INTERFACE ${PICO_SDK_PATH} ${STAND_INS}/host)
    target_compile_definitions(pico_stdlib INTERFACE _DEFAULT_SOURCE)
    target_link_libraries(pico_stdlib INTERFACE pthread)
    add_library(hardware_adc INTERFACE)
endmacro()

function(pico_enable_stdio_usb target on)
    if (NOT on)
        message(FATAL_ERROR "the protocol talks over USB")
    endif ()
endfunction()

function(pico_enable_stdio_uart target on)
endfunction()

function(pico_add_extra_outputs target)
    set_target_properties(${target} PROPERTIES SUFFIX .elf)
    foreach (form bin uf2)
        add_custom_command(TARGET ${target} POST_BUILD COMMAND ${CMAKE_COMMAND} -E copy ${target}.elf ${target}.${form})
    endforeach ()
endfunction()
